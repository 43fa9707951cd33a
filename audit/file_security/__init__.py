"""What a model file would execute when it is loaded, told from its bytes: nothing is ever loaded here."""
