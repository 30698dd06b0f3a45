"""A user logs in by e-mail address and is a teacher or a student."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    email = models.EmailField(unique=True)
    role = models.CharField(max_length=20, default="student", choices=[("teacher", "teacher"), ("student", "student")])

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]
