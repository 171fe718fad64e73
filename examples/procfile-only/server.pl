#!/usr/bin/perl
# A web server of one file. It forks for each connection and answers one request.
use strict;
use warnings;
use IO::Socket::INET;

$| = 1;
$SIG{CHLD} = 'IGNORE';
$SIG{TERM} = sub { print "stopping\n"; exit 0 };

my $port   = $ENV{PORT} || 5000;
my $server = IO::Socket::INET->new(
    LocalAddr => '0.0.0.0', LocalPort => $port, Listen => 128, ReuseAddr => 1,
) or die "listen on port $port: $@\n";
print "listening on port $port\n";

while (1) {
    my $client = $server->accept or next;
    my $pid = fork;
    if (!defined $pid) { warn "fork: $!\n"; close $client; next }
    if ($pid) { close $client; next }
    answer($client);
    exit 0;
}

sub answer {
    my ($client) = @_;
    alarm 30;    # a client that sends nothing
    my $line = <$client> // return;
    my ($method, $path) = $line =~ m{^([A-Z]+) (\S+) HTTP/1\.[01]\r?\n$} or return;
    while (my $header = <$client>) { last if $header =~ /^\r?\n$/ }
    my $greeting = $ENV{GREETING} || 'Hello';
    my ($status, $body) = $path =~ m{^/(\?.*)?$}
        ? ('200 OK', "$greeting from $ENV{DYNO}\n")
        : ('404 Not Found', "There is no $path here.\n");
    my $length = length $body;
    $body = '' if $method eq 'HEAD';
    print $client "HTTP/1.1 $status\r\nContent-Type: text/plain\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$body";
    print "$method $path $status\n";
}
