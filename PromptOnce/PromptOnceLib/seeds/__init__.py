"""Seeds: prompted frames kept in a library by scanner, and brought to other volumes (Prompt Once, section 4.2)."""
