<?php
header('Content-Type: text/plain');
echo 'Hello from ', getenv('DYNO'), ', PHP ', PHP_VERSION, ' behind ', explode('/', $_SERVER['SERVER_SOFTWARE'])[0], "\n";
