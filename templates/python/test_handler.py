import unittest

from handler import handle

CONTEXT = {"invocationId": "test"}


class HandleTest(unittest.TestCase):
    def test_greets_the_world_without_a_name(self):
        reply = handle({"queryStringParameters": {}}, CONTEXT)
        self.assertEqual(reply["body"]["message"], "Hello, world!")

    def test_greets_the_name_in_the_query(self):
        reply = handle({"queryStringParameters": {"name": "Ada"}}, CONTEXT)
        self.assertEqual(reply["statusCode"], 200)
        self.assertEqual(reply["body"]["message"], "Hello, Ada!")


if __name__ == "__main__":
    unittest.main()
