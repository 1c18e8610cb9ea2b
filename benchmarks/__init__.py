"""What the program promises, measured: its accuracy on other people's runs (`truth`), and its speed."""
