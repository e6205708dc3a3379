"""Does an effect change, from one init to another or with a dose?"""
