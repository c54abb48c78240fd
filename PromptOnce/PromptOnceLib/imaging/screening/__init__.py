"""Files looked at before a reader of images gets them: some make readers hang, crash or take all memory."""
