require "greeting"
require "socket"

# Enough of HTTP for an example without a gem of anybody else.
$stdout.sync = true
server = TCPServer.new("0.0.0.0", Integer(ENV.fetch("PORT")))
puts "listening on #{ENV["PORT"]}"
loop do
  Thread.new(server.accept) do |client|
    while (line = client.gets) && line != "\r\n"; end
    body = Greeting.text(ENV.fetch("DYNO", "nowhere"))
    client.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}")
    client.close
  end
end
