"""Does an effect change, from one init to another or with a dose, and how far may a dose go?"""
