"""What a batch keeps on disk: journal, records, tables."""
