"""Real or made?"""
