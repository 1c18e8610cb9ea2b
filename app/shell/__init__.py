"""The window around the pages: rail, menus, status bar, questions, and what happens between opening and closing it."""
