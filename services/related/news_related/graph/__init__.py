"""What articles say of each other, as stored: facts, the changes they make, and the projection that applies them."""
