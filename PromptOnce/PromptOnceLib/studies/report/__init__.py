"""The page of a study: which tables and figures it shows, and what stands around them."""
