"""What every part of this folder passes to the next: answers, steps, their JSON, and the roles."""
