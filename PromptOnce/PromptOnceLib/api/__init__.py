"""PromptOnce for Python scripts, notebooks and Slicer's console: a few verbs, which PromptOnceLib itself offers."""
