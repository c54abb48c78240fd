"""Child processes: how they are started, talked to and ended, and the variables they get."""
