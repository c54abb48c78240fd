"""Tables of a study: of every arm, of results, comparisons and strategies, and beside what the papers print."""
