package stack

import (
	"slices"
	"strings"
)

// packages is what is installed besides Debian's essential ones, sorted.
func packages(size, variant string) []string {
	list := strings.Fields(smallPackages)
	if size == SizeFull {
		list = append(list, strings.Fields(runPackages)...)
		if variant == VariantBuild {
			list = append(list, strings.Fields(buildPackages)...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// smallPackages builds and runs Go programs without cgo and Node programs
// without native modules; libatomic1 and libstdc++6 are for node itself.
const smallPackages = `
bash ca-certificates coreutils curl findutils git gzip jq libatomic1 libstdc++6
netbase openssl perl-base procps sed tar tzdata xz-utils
`

// runPackages is Heroku's list for heroku-24 with Debian 12's names: of its 87
// packages 75 are called the same here. Where Debian 12 has another version of
// a library the name differs (libmariadb3, libvpx7, libx265-199, …), and
// libwebpdecoder3 is a part of libwebp7.
const runPackages = `
apt-transport-https apt-utils bind9-dnsutils bind9-host bzip2 ed file
fontconfig fonts-urw-base35 gettext-base gnupg imagemagick iproute2
iputils-tracepath less libaom3 libargon2-1 libass9 libc-client2007e libcairo2
libcurl4 libdav1d6 libev4 libevent-2.1-7 libevent-core-2.1-7
libevent-extra-2.1-7 libevent-openssl-2.1-7 libevent-pthreads-2.1-7 libexif12
libfreetype6 libfribidi0 libgd3 libgdk-pixbuf-2.0-0 libgnutls-openssl27
libgnutlsxx30 libgraphite2-3 libgs10 libharfbuzz-icu0 libharfbuzz0b libheif1
liblzf1 libmagickcore-6.q16-6-extra libmariadb3 libmcrypt4 libmemcached11
libmp3lame0 libnuma1 libogg0 libonig5 libopencore-amrnb0 libopencore-amrwb0
libopus0 libpango-1.0-0 libpangocairo-1.0-0 libprotobuf32 libpq5 librabbitmq4
librsvg2-2 librsvg2-common libsasl2-modules libseccomp2 libsodium23 libspeex1
libtheora0 libunistring2 libuv1 libvips42 libvorbis0a libvorbisenc2
libvorbisfile3 libvpx7 libwebp7 libwebpdemux2 libwebpmux3 libx264-164
libx265-199 libxslt1.1 libyaml-0-2 libzip4 libzstd1 locales lsb-release
netcat-openbsd openssh-client patch poppler-utils postgresql-client
python-is-python3 python3 rename rsync shared-mime-info socat telnet unzip
uuid-runtime wget zip zstd
`

// buildPackages is what Heroku's build image has above its run image.
const buildPackages = `
autoconf automake bison build-essential bzip2 cmake gettext libacl1-dev
libargon2-dev libbz2-dev libc-client2007e-dev libcairo2-dev
libcurl4-openssl-dev libdb-dev libev-dev libevent-dev libexif-dev libffi-dev
libgcrypt20-dev libgd-dev libgdbm-dev libglib2.0-dev libgnutls28-dev
libheif-dev libicu-dev libidn-dev libjpeg-dev libkrb5-dev libldap2-dev
liblz4-dev liblzf-dev liblzma-dev libmagic-dev libmagickwand-dev
libmariadb-dev libmariadb-dev-compat libmcrypt-dev libmemcached-dev
libncurses-dev libonig-dev libpam0g-dev libpng-dev libpq-dev libprotobuf-dev
librabbitmq-dev libreadline-dev librsvg2-dev libsasl2-dev libseccomp-dev
libsodium-dev libsqlite3-dev libssl-dev libtool libuv1-dev libvips-dev
libwebp-dev libxml2-dev libxslt1-dev libyaml-dev libzip-dev libzstd-dev
mercurial nasm pkg-config postgresql-server-dev-all protobuf-compiler
python3-dev sqlite3 unixodbc-dev zlib1g-dev
`
