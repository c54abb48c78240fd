"""Damaged inputs by the thousand for everything that reads what others wrote: `make fuzz`."""
