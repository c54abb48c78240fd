"""What a user marks on a slice: boxes, points, masks; and the frames that stand before a stack."""
