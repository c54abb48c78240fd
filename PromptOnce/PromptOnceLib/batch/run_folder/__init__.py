"""What a run keeps on disk: plan, journal, records, tables; only the plan holds paths."""
