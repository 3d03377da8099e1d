"""Contradictions: what claims, plans, marks and names say against each other.

Nothing of this is stored. Each rule is a function of states as known at a position; it says what it found, its figures,
and where the events behind it stand. A contradiction is shown, never resolved: that is for people.

The rules are in ``claims``, ``roadmaps`` and ``names``, by what speaks; what they make is in ``found``, and what they
read of activities in ``activities``.
"""
