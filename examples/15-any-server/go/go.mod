module example.com/any-server

go 1.21
