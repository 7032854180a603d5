// Attests nodes as a client of SPIRE's own API packages does: one after another, each by what it was given.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	agentv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/agent/v1"
	"github.com/spiffe/spire-api-sdk/proto/spire/api/types"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

type answer func(challenge []byte) (any, error)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run attests by the certificate and key in one file or by those of OpenSSH, whatever kind says, and prints the agent's ID.
func run(address, bundle, kind, certificate, key string) error {
	roots := x509.NewCertPool()
	text, err := os.ReadFile(bundle)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("no bundle: %w", err)
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		InsecureSkipVerify: true, // it is known by its SPIFFE ID and not by a host name
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			leaf, err := x509.ParseCertificate(raw[0])
			if err != nil {
				return err
			}
			if len(leaf.URIs) != 1 || leaf.URIs[0].String() != "spiffe://example.org/spire/server" {
				return fmt.Errorf("the server is %v", leaf.URIs)
			}
			_, err = leaf.Verify(x509.VerifyOptions{Roots: roots})
			return err
		},
	})))
	if err != nil {
		return err
	}
	defer connection.Close()
	payload, respond, err := evidence(kind, certificate, key)
	if err != nil {
		return err
	}
	return attest(agentv1.NewAgentClient(connection), kind, payload, respond)
}

func evidence(kind, certificate, key string) (any, answer, error) {
	if kind == "sshpop" {
		return openSSH(certificate, key)
	}
	return x509Pop(certificate, key)
}

func attest(client agentv1.AgentClient, kind string, payload any, respond answer) error {
	data, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, own)
	if err != nil {
		return err
	}
	stream, err := client.AttestAgent(context.Background())
	if err != nil {
		return err
	}
	params := &agentv1.AttestAgentRequest_Params{
		Data:   &types.AttestationData{Type: kind, Payload: data},
		Params: &agentv1.AgentX509SVIDParams{Csr: csr},
	}
	if err := stream.Send(&agentv1.AttestAgentRequest{Step: &agentv1.AttestAgentRequest_Params_{Params: params}}); err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		if result := response.GetResult(); result != nil {
			leaf, err := x509.ParseCertificate(result.Svid.CertChain[0])
			if err != nil {
				return err
			}
			fmt.Println(leaf.URIs[0], result.Reattestable)
			return nil
		}
		said, err := respond(response.GetChallenge())
		if err != nil {
			return err
		}
		bytes, err := json.Marshal(said)
		if err != nil {
			return err
		}
		if err := stream.Send(&agentv1.AttestAgentRequest{Step: &agentv1.AttestAgentRequest_ChallengeResponse{ChallengeResponse: bytes}}); err != nil {
			return err
		}
	}
}

func nonces(server []byte) (own []byte, digest [32]byte, err error) {
	own = make([]byte, 32)
	_, err = rand.Read(own)
	return own, sha256.Sum256(append(append([]byte{}, server...), own...)), err
}

type nonce struct {
	Nonce []byte `json:"nonce"`
}

func x509Pop(certificate, keyFile string) (any, answer, error) {
	text, err := os.ReadFile(certificate)
	if err != nil {
		return nil, nil, err
	}
	var chain [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		chain = append(chain, block.Bytes)
	}
	text, err = os.ReadFile(keyFile)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	respond := func(challenge []byte) (any, error) {
		var asked struct {
			RSA   *nonce `json:"rsa_signature"`
			ECDSA *nonce `json:"ecdsa_signature"`
		}
		if err := json.Unmarshal(challenge, &asked); err != nil {
			return nil, err
		}
		switch signer := key.(type) {
		case *rsa.PrivateKey:
			own, digest, err := nonces(asked.RSA.Nonce)
			if err != nil {
				return nil, err
			}
			signature, err := rsa.SignPSS(rand.Reader, signer, crypto.SHA256, digest[:], nil)
			return map[string]any{"rsa_signature": map[string][]byte{"nonce": own, "signature": signature}, "ecdsa_signature": nil}, err
		case *ecdsa.PrivateKey:
			own, digest, err := nonces(asked.ECDSA.Nonce)
			if err != nil {
				return nil, err
			}
			r, s, err := ecdsa.Sign(rand.Reader, signer, digest[:])
			return map[string]any{"ecdsa_signature": map[string][]byte{"nonce": own, "r": r.Bytes(), "s": s.Bytes()}, "rsa_signature": nil}, err
		}
		return nil, fmt.Errorf("a key of type %T", key)
	}
	return map[string][][]byte{"certificates": chain}, respond, nil
}

func openSSH(certificate, keyFile string) (any, answer, error) {
	line, err := os.ReadFile(certificate)
	if err != nil {
		return nil, nil, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(string(line))))
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, nil, err
	}
	respond := func(challenge []byte) (any, error) {
		var asked struct{ Nonce []byte }
		if err := json.Unmarshal(challenge, &asked); err != nil {
			return nil, err
		}
		own, digest, err := nonces(asked.Nonce)
		if err != nil {
			return nil, err
		}
		signature, err := signer.Sign(rand.Reader, digest[:])
		return map[string]any{"Nonce": own, "Signature": signature}, err
	}
	return map[string][]byte{"Certificate": public.Marshal()}, respond, nil
}
