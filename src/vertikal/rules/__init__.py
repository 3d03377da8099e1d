"""Rules over figures as versioned data: who is a school with low results, signs of biased marking, units against the
best. All of it is arithmetic: no database, no clock.
"""
