"""What a user marks: boxes, points, masks, conditioning frames."""
