"""What was done to it?"""
