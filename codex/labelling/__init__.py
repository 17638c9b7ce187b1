"""What people say of answers: in which order they are asked, how far they agree, what it says of all."""
