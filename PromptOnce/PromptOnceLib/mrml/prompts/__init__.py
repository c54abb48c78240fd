"""Prompts as markups nodes."""
