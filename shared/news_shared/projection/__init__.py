"""The projection runtime: one mechanism for every consumer of a topic (docs/architecture.md).

A service gives a `ProjectionSpec`: what to decide about the records of a partition and one Lua body that
applies it. The runtime does the rest: assignment, restore, order, exactly one effect per record, dead letters.
"""
