"""SAM 2 itself: models, one slice, whole passes. In the worker process only; nothing else imports torch."""
