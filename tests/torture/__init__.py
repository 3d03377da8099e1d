"""The ordering torture: writers that are killed, delayed and rolled back, and an oracle that counts what became of it.

    python -m tests.torture --seconds 600 --store postgresql --seed 7

A seed decides what is sent, how long commits are delayed and what is broken next; how the processes interleave is up
to the machine, so a seed repeats the torture, not every step of it.
"""
