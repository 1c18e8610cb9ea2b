"""How far the time model lies from real runs on this computer's CPU, and from tokens a second that others published."""
