"""Tables that every report has, and the plain data that paper, page and terminal set them from."""
