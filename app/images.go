package app

import "hither/vmctl"

// imagePeers gives the image pools of the paired computers that are online now.
func (n *Node) imagePeers() []vmctl.ImagePeer {
	var list []vmctl.ImagePeer
	for _, peer := range n.network.Peers() {
		if peer.Online {
			list = append(list, vmctl.ImagePeer{Name: peer.Name, Images: n.remote(peer).Images()})
		}
	}
	return list
}
