"""Prompts made from a reference by a rule: the strategies of studies, shifts of a hand, searches for better points."""
