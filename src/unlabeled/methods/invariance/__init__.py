"""Is it the same thing?"""
