"""What people say: labels of answers, the queues that wait for them, and answers of their own."""
