"""Values in the formats that notebooks show: HTML, images, charts and tables beside text."""
