"""Formats that sources speak, each a pure function from bytes to items and reasons for what was refused."""
