"""Messages by subject; protocol.py joins them."""
