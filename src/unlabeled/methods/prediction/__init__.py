"""What comes next, or beside it?"""
