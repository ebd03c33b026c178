cloud-hypervisor --api-socket=/run/ch.sock --firmware /srv/CLOUDHV.fd --cpus boot=4 --memory size=4G,hugepages=on --disk path=focal.raw --net tap=,mac=12:34:56:78:90:01 --serial tty --console off
