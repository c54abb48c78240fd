"""Prompts as markups nodes: made, read, styled."""
