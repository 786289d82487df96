//! Programs that are known to act: the reason on a card can then say more than "unknown".

/// They change things.
pub(in crate::gate::policy) const CHANGES: &str = "\
    rm rmdir unlink mv cp ln mkdir touch chmod chown chgrp chattr setfacl dd truncate shred install mktemp mkfifo \
    split csplit patch tee kill killall pkill shutdown reboot halt poweroff systemctl service launchctl crontab at \
    mount umount useradd userdel usermod passwd apt apt-get dpkg dnf yum rpm pacman apk zypper snap flatpak brew pip \
    pip3 npm yarn pnpm cargo go gem make docker podman git tar unzip zip gzip bzip2 xz zstd sed vi vim nano emacs ed \
    date hostname sysctl ip ifconfig route iptables nft ufw modprobe swapoff swapon";

/// They talk to other machines.
pub(in crate::gate::policy) const NETWORK: &str = "\
    curl wget ssh scp sftp rsync ftp telnet nc ncat netcat socat dig host nslookup whois ping ping6 traceroute \
    tracepath mtr nmap aria2c http https xh kubectl aws gcloud az gh terraform openssl mail sendmail drill dog";

/// They act with another user's rights.
pub(in crate::gate::policy) const PRIVILEGED: &str =
    "sudo doas su pkexec run0 runuser sg newgrp setpriv chroot unshare nsenter";
