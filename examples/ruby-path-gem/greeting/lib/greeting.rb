module Greeting
  def self.text(name) = "Hello from #{name}, Ruby #{RUBY_VERSION}\n"
end
