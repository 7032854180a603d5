// What a broker in Go does with an agent, by the published client of the Broker API and go-spiffe's source of X509-SVIDs; any
// difference from the standard ends it with an error. SPIFFE_ENDPOINT_SOCKET names the agent as its workloads know it; the arguments
// are where it serves brokers: locally, and by TCP. Prints "watching" when it wants a second identity to be given to it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/exp/proto/spiffe/broker"
	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

var (
	home   = spiffeid.RequireTrustDomainFromString("example.org")
	me     = spiffeid.RequireFromPath(home, "/me")
	second = spiffeid.RequireFromPath(home, "/second")
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	source, err := workloadapi.NewX509Source(ctx)
	must(err)
	defer source.Close()
	local := connect(source, os.Args[1])
	ctx = metadata.AppendToOutgoingContext(ctx, "broker.spiffe.io", "true")
	certificates(ctx, local)
	tokens(ctx, local)
	refusals(ctx, local, connect(source, os.Args[2]))
	watches(ctx, local)
	fmt.Println("done")
}

func connect(source *workloadapi.X509Source, target string) broker.APIClient {
	credentials := grpccredentials.MTLSClientCredentials(source, source, tlsconfig.AuthorizeMemberOf(home))
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(credentials))
	must(err)
	return broker.NewAPIClient(connection)
}

func reference(message proto.Message) *broker.WorkloadReference {
	packed, err := anypb.New(message)
	must(err)
	return &broker.WorkloadReference{Reference: packed}
}

func process(pid int) *broker.WorkloadReference {
	return reference(&broker.WorkloadPIDReference{Pid: int32(pid)})
}

func certificates(ctx context.Context, client broker.APIClient) {
	stream, err := client.SubscribeToX509SVID(ctx, &broker.SubscribeToX509SVIDRequest{Reference: process(os.Getpid())})
	must(err)
	answer, err := stream.Recv()
	must(err)
	check(len(answer.Svids) == 1 && answer.Svids[0].SpiffeId == me.String(), "the identities are %v", answer.Svids)
	check(answer.Svids[0].Hint == "main", "the hint is %q", answer.Svids[0].Hint)
	svid, err := x509svid.ParseRaw(answer.Svids[0].X509Svid, answer.Svids[0].X509SvidKey)
	must(err)
	given, err := x509bundle.ParseRaw(home, answer.Svids[0].Bundle)
	must(err)
	_, _, err = x509svid.Verify(svid.Certificates, given)
	must(err)
	bundles, err := client.SubscribeToX509Bundles(ctx, &broker.SubscribeToX509BundlesRequest{Reference: process(os.Getpid())})
	must(err)
	all, err := bundles.Recv()
	must(err)
	own, err := x509bundle.ParseRaw(home, all.Bundles[home.IDString()])
	must(err)
	check(own.Equal(given), "the bundles differ")
}

func tokens(ctx context.Context, client broker.APIClient) {
	request := &broker.FetchJWTSVIDRequest{Reference: process(os.Getpid()), Audience: []string{"db"}}
	answer, err := client.FetchJWTSVID(ctx, request)
	must(err)
	stream, err := client.SubscribeToJWTBundles(ctx, &broker.SubscribeToJWTBundlesRequest{Reference: process(os.Getpid())})
	must(err)
	all, err := stream.Recv()
	must(err)
	bundle, err := jwtbundle.Parse(home, all.Bundles[home.IDString()])
	must(err)
	svid, err := jwtsvid.ParseAndValidate(answer.Svids[0].Svid, bundle, []string{"db"})
	must(err)
	check(svid.ID == me, "the token is for %s", svid.ID)
}

func refusals(ctx context.Context, local, remote broker.APIClient) {
	ask := func(ctx context.Context, client broker.APIClient, reference *broker.WorkloadReference) error {
		_, err := client.FetchJWTSVID(ctx, &broker.FetchJWTSVIDRequest{Reference: reference, Audience: []string{"db"}})
		return err
	}
	refused(ask(ctx, local, nil), codes.InvalidArgument, "WORKLOAD_REFERENCE_INVALID")
	refused(ask(ctx, local, process(-1)), codes.InvalidArgument, "WORKLOAD_REFERENCE_INVALID")
	refused(ask(ctx, local, reference(&broker.KubernetesObjectType{})), codes.InvalidArgument, "WORKLOAD_REFERENCE_INVALID")
	refused(ask(ctx, local, process(1<<30)), codes.NotFound, "WORKLOAD_NOT_FOUND")
	refused(ask(ctx, remote, process(os.Getpid())), codes.PermissionDenied, "")
	refused(ask(context.Background(), local, process(os.Getpid())), codes.InvalidArgument, "")
}

func refused(err error, code codes.Code, reason string) {
	said := status.Convert(err)
	found := ""
	for _, detail := range said.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			check(info.Domain == "spiffe.io", "the domain is %q", info.Domain)
			found = info.Reason
		}
	}
	check(said.Code() == code && found == reason, "%s %q, and not %s %q: %s", said.Code(), found, code, reason, said.Message())
}

func watches(ctx context.Context, client broker.APIClient) {
	stream, err := client.SubscribeToX509SVID(ctx, &broker.SubscribeToX509SVIDRequest{Reference: process(os.Getpid())})
	must(err)
	_, err = stream.Recv()
	must(err)
	fmt.Println("watching")
	answer, err := stream.Recv()
	must(err)
	ids := map[string]bool{}
	for _, svid := range answer.Svids {
		ids[svid.SpiffeId] = true
	}
	check(len(ids) == 2 && ids[me.String()] && ids[second.String()], "the identities are %v", ids)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func check(holds bool, format string, values ...any) {
	if !holds {
		log.Fatalf(format, values...)
	}
}
