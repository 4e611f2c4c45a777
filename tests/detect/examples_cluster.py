"""Examples of our rules on Kubernetes, in the audit log of a cluster and in CloudTrail."""

from tests.detect.example_records import CLUSTER, DENIED, HOST_POD, OPEN_POD, PIPELINE, POD, Examples, asks, audit

NODE = "system:node:ip-10-0-1-5.ec2.internal"
ADMIN = {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}
ANYTHING = {"rules": [{"apiGroups": ["*"], "verbs": ["*"], "resources": ["*"]}]}
SCRIPT, CONTROLLER = {"userAgent": "curl/8.5.0"}, {"userAgent": "external-secrets/v0.9 (linux/amd64)"}
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
RULE = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
KINDS = ("pods", "secrets", "configmaps", "nodes", "services", "deployments")

EXAMPLES: Examples = {
    "kubernetes_command_in_a_pod": (
        [audit("create", "pods", subresource="exec")],
        [
            audit("create", "pods", CLUSTER, subresource="exec"),
            audit("create", "pods", "eve", 403, subresource="exec"),
            audit("create", "pods", "ann"),
        ],
    ),
    "kubernetes_command_by_a_pod": (
        [audit("create", "pods", POD, 101, subresource="exec"), audit("get", "pods", POD, 101, subresource="attach")],
        [
            audit("create", "pods", CLUSTER, subresource="exec"),
            audit("create", "pods", POD, 403, subresource="exec"),
            audit("create", "pods", subresource="exec"),
        ],
    ),
    "kubernetes_rights_given": (
        [audit("create", "clusterrolebindings"), audit("patch", "roles")],
        [audit("get", "clusterrolebindings"), audit("patch", "clusterroles", "system:apiserver")],
    ),
    "kubernetes_rights_given_by_a_pod": (
        [audit("create", "rolebindings", POD)],
        [audit("create", "rolebindings"), audit("create", "rolebindings", POD, 403), audit("create", "roles", CLUSTER)],
    ),
    "kubernetes_administrator_made": (
        [
            audit("create", "clusterrolebindings", requestObject=ADMIN),
            audit("create", "clusterroles", requestObject=ANYTHING),
        ],
        [
            audit("create", "clusterrolebindings", requestObject={"roleRef": {"name": "view"}}),
            audit("create", "clusterroles", requestObject={"rules": [{"verbs": ["get"], "resources": ["*"]}]}),
            audit("create", "clusterrolebindings", code=403, requestObject=ADMIN),
        ],
    ),
    "kubernetes_pod_that_reaches_the_host": (
        [audit("create", "pods", requestObject=OPEN_POD), audit("create", "pods", "ann", requestObject=HOST_POD)],
        [audit("create", "pods", "bob", requestObject={"spec": {"containers": [{"name": "a"}]}})],
    ),
    "kubernetes_secrets_by_hand": (
        [audit("list", "secrets", POD, **SCRIPT), audit("get", "secrets", POD, userAgent="kubectl/v1.33.1")],
        [
            audit("list", "secrets", POD, **CONTROLLER),
            audit("get", "configmaps", POD, **SCRIPT),
        ],
    ),
    "kubernetes_secrets_of_every_namespace": (
        [audit("list", "secrets")],
        [
            audit("list", "secrets", namespace="pay"),
            audit("list", "secrets", CLUSTER),
            audit("list", "secrets", code=403),
        ],
    ),
    "kubernetes_token_asked_for": (
        [
            audit("create", "serviceaccounts", subresource="token"),
            audit("create", "serviceaccounts", POD, subresource="token"),
        ],
        [audit("create", "serviceaccounts", NODE, subresource="token"), audit("create", "serviceaccounts")],
    ),
    "kubernetes_certificate_asked_for": (
        [audit("create", "certificatesigningrequests")],
        [audit("create", "certificatesigningrequests", NODE), audit("get", "certificatesigningrequests")],
    ),
    "kubernetes_node_proxied": (
        [audit("create", "nodes", subresource="proxy"), audit("get", "nodes", POD, subresource="proxy")],
        [
            audit("get", "nodes", CLUSTER, subresource="proxy"),
            audit("get", "nodes"),
            audit("get", "nodes", "eve", 403, subresource="proxy"),
        ],
    ),
    "kubernetes_anonymous": (
        [audit("list", "pods", "system:anonymous", requestURI="/api/v1/pods")],
        [
            audit("get", "", "system:anonymous", requestURI="/livez?verbose"),
            audit("list", "pods", "system:anonymous", 403, requestURI="/api/v1/pods"),
            audit("list", "pods", requestURI="/api/v1/pods"),
        ],
    ),
    "kubernetes_rights_looked_over": (
        [audit("create", "selfsubjectaccessreviews", POD), audit("create", "selfsubjectrulesreviews", POD)],
        [audit("create", "selfsubjectaccessreviews", CLUSTER), audit("create", "selfsubjectaccessreviews")],
    ),
    "kubernetes_many_denied": (
        [audit("list", kind, POD, 403) for kind in KINDS[:5]],
        [audit("list", "pods", "ann", 403), audit("list", "secrets", POD)],
    ),
    "kubernetes_access_map_changed": (
        [audit("patch", "configmaps", namespace="kube-system", name="aws-auth")],
        [
            audit("get", "configmaps", namespace="kube-system", name="aws-auth"),
            audit("patch", "configmaps", namespace="pay", name="aws-auth"),
            audit("update", "configmaps", "eks:node-manager", namespace="kube-system", name="aws-auth"),
        ],
    ),
    "kubernetes_webhook_changed": (
        [audit("create", "mutatingwebhookconfigurations")],
        [audit("get", "mutatingwebhookconfigurations"), audit("patch", "mutatingwebhookconfigurations", POD)],
    ),
    "eks_administrator_by_access_entry": (
        [
            asks("eks:AssociateAccessPolicy", policyArn=RULE),
            asks("eks:CreateAccessEntry", kubernetesGroups=["system:masters"]),
        ],
        [asks("eks:AssociateAccessPolicy", policyArn=VIEW), asks("eks:AssociateAccessPolicy", policyArn=RULE) | DENIED],
    ),
    "eks_access_entry_by_a_person": (
        [asks("eks:CreateAccessEntry")],
        [asks("eks:CreateAccessEntry", PIPELINE), asks("eks:ListAccessEntries")],
    ),
    "eks_role_given_to_pods": (
        [asks("eks:CreatePodIdentityAssociation")],
        [asks("eks:CreatePodIdentityAssociation", PIPELINE), asks("eks:DeletePodIdentityAssociation")],
    ),
    "eks_cluster_opened_or_unlogged": (
        [
            asks("eks:UpdateClusterConfig", resourcesVpcConfig={"publicAccessCidrs": ["0.0.0.0/0"]}),
            asks("eks:UpdateClusterConfig", logging={"clusterLogging": [{"types": ["audit"], "enabled": False}]}),
        ],
        [
            asks("eks:UpdateClusterConfig", resourcesVpcConfig={"publicAccessCidrs": ["198.51.100.0/24"]}),
            asks("eks:UpdateClusterConfig", logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]}),
        ],
    ),
}
FEW = {"kubernetes_many_denied": [audit("list", kind, POD, 403) for kind in KINDS[:4]]}
