"""Measurements that a command prints: ``python -m bench`` for all, ``python -m bench.NAME`` for one."""
