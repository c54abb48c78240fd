"""Studies as the papers made them: data sets, arms, statistics, figures, reports."""
