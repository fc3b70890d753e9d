"""Who is asking, told as tests."""
