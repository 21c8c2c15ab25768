"""Which belong together?"""
