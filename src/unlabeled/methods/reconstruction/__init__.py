"""What was there?"""
